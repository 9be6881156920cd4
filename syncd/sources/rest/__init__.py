"""Any CRM whose API answers JSON: what is asked, page by page, and what makes a read whole.

`options` is what the configuration may say. `paging` (which page is next) is pure. `auth` signs requests, `web` sends
them. `source` puts them together.
"""
