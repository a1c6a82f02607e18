import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


def serve(port: int, redirect_uri: str) -> None:
    """Serve one client, `shortlinks`, until the process ends."""
    django.setup()
    from allauth.idp.oidc.models import Client  # noqa: PLC0415  needs the settings

    call_command("migrate", verbosity=0)
    client = Client(id="shortlinks", name="shortlinks", skip_consent=True)
    client.set_secret("a secret of the client")
    client.set_scopes(["openid", "profile", "email"])
    client.set_redirect_uris([redirect_uri])
    client.save()
    make_server("127.0.0.1", port, get_wsgi_application(), Server).serve_forever()


if __name__ == "__main__":
    os.environ["IDENTITY_PROVIDER_DIRECTORY"] = sys.argv[3]
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.identity_provider.settings"
    serve(int(sys.argv[1]), sys.argv[2])
