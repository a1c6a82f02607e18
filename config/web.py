"""The ASGI application of API and admin: `config.web:application`."""

from config.wsgi import application as django
from shortlinks.api.gateway import Gateway

application = Gateway(django)
