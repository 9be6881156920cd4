"""Any CRM whose API answers JSON: what is asked, page by page, and what makes a read whole.

`options` is what the configuration may say. `paging` (which page is next) and `time_cursor` and `number_cursor` (since
when changes are asked for) are pure. `auth` signs requests, `web` sends them. `source` puts them together.
"""
