# Three stages: the page, the Python packages, and an image that holds only what runs.
#   docker build -t civic-crowd-map .        See compose.yaml for the service, the worker and the database together.

FROM node:24.11.0-bookworm-slim AS page
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY frontend/ ./
RUN npm run build

FROM python:3.11.14-slim-bookworm AS packages
COPY requirements.lock ./
RUN python -m venv /opt/civic \
 && /opt/civic/bin/pip install --no-cache-dir --require-hashes --no-deps --only-binary :all: -r requirements.lock

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/civic --create-home civic
COPY --from=packages /opt/civic /opt/civic
WORKDIR /srv/civic
COPY alembic.ini ./
COPY migrations ./migrations
COPY app ./app
COPY --from=page /build/app/static ./app/static
ENV PATH=/opt/civic/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 CIVIC_DATA=/var/lib/civic CIVIC_HOST=0.0.0.0
USER civic
VOLUME /var/lib/civic
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
ENTRYPOINT ["python", "-m", "app.cli"]
CMD ["serve", "--no-worker"]
