"""Redirect visitors with asyncio and SQL, without Django views or the ORM.

`app` handles a request: `link_store` finds the link, `pixel_cookies` names the browser,
`visit_facts` records the request, and `visit_writer` makes the visit durable.
"""
