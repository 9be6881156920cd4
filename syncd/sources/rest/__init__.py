"""Any CRM whose API answers JSON: what is asked, page by page, and what makes a read whole.

`options` is what the configuration may say; `paging` and `changes` decide without touching anything; `auth` and `web`
talk; `source` puts them together.
"""
