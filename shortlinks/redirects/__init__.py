"""What visitors meet: asyncio and SQL, no Django views and no ORM (DESIGN 2).

`app` is the way of a request; `link_cache` finds the link, `visit_facts` writes down
what came, `visit_log` makes it durable, `pixel_cookie` names the browser.
"""
