# One process, one port, no root. The base pins Python; the lock file pins everything else.
FROM python:3.13-slim AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/gammaflip
COPY requirements.lock ./
RUN /opt/gammaflip/bin/pip install --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY greeks greeks
COPY dealers dealers
COPY loops loops
COPY ingest ingest
COPY exchange exchange
COPY app app
COPY docs docs
RUN /opt/gammaflip/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home gammaflip && mkdir /data && chown gammaflip /data
COPY --from=build /opt/gammaflip /opt/gammaflip
USER gammaflip
ENV PATH=/opt/gammaflip/bin:$PATH PYTHONUNBUFFERED=1 GAMMAFLIP_DATA_DIR=/data GAMMAFLIP_HOST=0.0.0.0
VOLUME /data
EXPOSE 8050
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8050/healthz', timeout=2)"]
CMD ["gammaflip", "run"]
