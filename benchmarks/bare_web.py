"""The yardstick of creation: a Django+DRF view that inserts a link, and no more."""

import hashlib
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from benchmarks import bare_rows
from shortlinks.domain.links import codes


class Links(APIView):
    def post(self, request: Request) -> Response:
        orders: Any = request.data
        [order] = orders
        url, code = order["url"], codes.generate()
        with connection.cursor() as cursor:
            cursor.execute(
                bare_rows.INSERT_ONE,
                {
                    "entity": order["metadata"]["entity_id"],
                    "code": code,
                    "url": url,
                    "hash": hashlib.sha256(url.encode()).digest(),
                },
            )
        return Response([{"url": code}])


class Health(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("api/v4/short_links", Links.as_view()),
    path("healthz", Health.as_view()),
]
application = get_wsgi_application()
