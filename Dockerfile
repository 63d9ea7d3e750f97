# syntax=docker/dockerfile:1
# Stemma for users: `docker build -t stemma .`, then `docker run -p 8000:8000 -v stemma:/catalogue stemma`.

FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/stemma
ENV PATH=/opt/stemma/bin:$PATH
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY graph graph
COPY ingest ingest
COPY api api
RUN pip install --no-cache-dir .

FROM python:3.12-slim
RUN useradd --system --uid 10001 --create-home stemma && install -d -o stemma -g stemma /catalogue
COPY --from=build /opt/stemma /opt/stemma
ENV PATH=/opt/stemma/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    STEMMA_CATALOGUE=/catalogue \
    STEMMA_HOST=0.0.0.0 \
    STEMMA_PORT=8000
USER stemma
VOLUME /catalogue
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["stemma"]
CMD ["serve"]
