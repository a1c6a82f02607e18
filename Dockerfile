# One image for every role of docker-compose.yml. Builds with and without BuildKit.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
# Use requirements-tracing.txt if OTEL_EXPORTER_OTLP_ENDPOINT will be set.
ARG REQUIREMENTS=requirements.txt
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null
WORKDIR /build
COPY requirements*.txt ./
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --quiet --no-compile --only-binary :all: \
      --require-hashes -r "${REQUIREMENTS}"

# The software bill of materials, as CycloneDX. The tools stay behind.
RUN python -m venv --without-pip /opt/audit \
 && pip --python /opt/audit/bin/python install --quiet --only-binary :all: --require-hashes \
      -r requirements-audit.txt \
 && mkdir /app \
 && /opt/audit/bin/cyclonedx-py environment --output-reproducible --output-format JSON \
      --output-file /app/sbom.cdx.json /opt/venv/bin/python 2>/dev/null

WORKDIR /app
COPY manage.py ./
COPY config config
COPY deploy deploy
COPY shortlinks shortlinks
# The settings require secrets. These placeholders are not stored in the image.
RUN placeholder="$(printf '%064d' 0)" \
 && SECRET_KEY="${placeholder}" TOKEN_KEYS="k:${placeholder}" PIXEL_KEYS="k:${placeholder}" \
    WEBHOOK_KEYS="k:${placeholder}" VISITOR_UID_KEY="${placeholder}" STATIC_ROOT=/app/static \
    DATABASE_URL=postgres://nobody@nowhere/none REDIS_URL=redis://nowhere \
    /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
      --ignore redoc --ignore '*.map'
# Reduce the image to a fifth: remove unused languages, static files that were collected
# above, tests and C sources of packages, and debug symbols. Compile byte code here, because
# the root file system is read-only later.
RUN cd /opt/venv/lib/python3.*/site-packages \
 && find . -type d -path '*/locale/*' -name LC_MESSAGES ! -path '*/en/*' ! -path '*/ru/*' \
      -prune -exec rm -r {} + \
 && find . -type d \( -name tests -o -name test \) -prune -exec rm -r {} + \
 && rm -r django/contrib/admin/static unfold/static drf_spectacular_sidecar/static/* \
 && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.c' -o -name '*.h' \) -delete \
 && find . -name '*.so' ! -path '*.libs/*' -exec strip --strip-unneeded {} + \
 && /opt/venv/bin/python -m compileall -q -j 2 . /app/config /app/deploy /app/shortlinks

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings STATIC_ROOT=/app/static LOG_FORMAT=json \
    SPOOL_DIR=/var/lib/shortlinks/spool METRICS_DIR=/var/lib/shortlinks/metrics
# A new volume gets the owner of the folder below it.
RUN groupadd --gid 10001 shortlinks \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /app shortlinks \
 && mkdir -p /var/lib/shortlinks/keys /var/lib/shortlinks/spool /var/lib/shortlinks/metrics \
      /var/lib/shortlinks/POSTGRES_PASSWORD /var/lib/shortlinks/POSTGRES_APP_PASSWORD \
      /var/lib/shortlinks/VALKEY_PASSWORD /var/lib/shortlinks/GRAFANA_PASSWORD \
      /var/lib/shortlinks/keys-web /var/lib/shortlinks/keys-redirects \
      /var/lib/shortlinks/keys-worker /var/lib/shortlinks/keys-webhooks \
      /var/lib/shortlinks/keys-stores /var/lib/shortlinks/keys-migrate \
 && chown -R 10001:10001 /var/lib/shortlinks
# Nothing is installed into a running container.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/pip*
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
COPY docker/healthy.py /healthy.py
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8001 9464
ENTRYPOINT ["python", "-m", "deploy.container"]
CMD ["web"]
