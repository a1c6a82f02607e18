"""The baseline for new links: a Django REST Framework view that inserts a link."""

import hashlib
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from shortlinks.domain.links import codes

INSERT = """
INSERT INTO shortlinks_shortlink
  (account_id, contact_id, code, url, target, url_sha256, batch, created_at)
SELECT account_id, id, %(code)s, %(url)s, %(url)s, %(hash)s, gen_random_uuid(), now()
FROM shortlinks_contact WHERE entity_id = %(entity)s
  AND account_id = (SELECT min(id) FROM shortlinks_account)
"""


class Links(APIView):
    def post(self, request: Request) -> Response:
        body: Any = request.data
        [link_request] = body
        url, code = link_request["url"], codes.generate()
        values = {
            "entity": link_request["metadata"]["entity_id"],
            "code": code,
            "url": url,
            "hash": hashlib.sha256(url.encode()).digest(),
        }
        with connection.cursor() as cursor:
            cursor.execute(INSERT, values)
        return Response([{"url": code}])


class Health(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("api/v4/short_links", Links.as_view()),
    path("healthz", Health.as_view()),
]
application = get_wsgi_application()
