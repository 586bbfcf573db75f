# The API, and the commands around it: docker build -t passages .
FROM python:3.11-slim

# Where pip finds a CPU build of torch, if the default place has only CUDA builds of it.
ARG EXTRA_INDEX=""

WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY chunkers chunkers
COPY generation generation
COPY indexers indexers
COPY retrieval retrieval
COPY benchmarks benchmarks
RUN pip install --no-cache-dir ${EXTRA_INDEX:+--extra-index-url "$EXTRA_INDEX"} -c constraints.txt . \
    && useradd --create-home passages && mkdir /data && chown passages /data

USER passages
VOLUME /data
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
CMD ["python", "-m", "retrieval", "serve", "--host", "0.0.0.0", "--port", "8000", "--catalog", "/catalog/catalog.yaml", "--data-dir", "/data"]
