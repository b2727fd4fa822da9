# The one image of worker, scheduler and Flower. It holds neither configuration nor secrets.
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY worker worker
COPY tasks tasks
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check '.[otel]'

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --create-home fallback
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH FALLBACK_ALIVE_FILE=/tmp/alive
USER 10001
WORKDIR /home/fallback
# Touched every 2 s while the worker consumes, see tasks/node/liveness.py.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=2 \
  CMD ["sh", "-c", "test -n \"$(find $FALLBACK_ALIVE_FILE -mmin -0.25)\""]
CMD ["celery", "-A", "tasks", "worker", "-Q", "completions"]
