"""The ASGI application of API and admin: `config.web:application`."""

from config import wsgi
from shortlinks.api.gateway import Gateway

application = Gateway(wsgi.application)
