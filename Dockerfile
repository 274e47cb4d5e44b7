# One image for the four services and the command line: what runs is the command's choice.
ARG PYTHON=3.12-slim

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# Wheels only, each with its hash: nothing is compiled, and nothing runs while it is installed. The lock is of the extra
# `server`; that it is all there is what the last step asks of pip, which may look for nothing elsewhere.
COPY deploy/runtime.lock deploy/build.lock ./
RUN --mount=type=cache,target=/root/.cache/pip python -m venv /opt/modelbus \
    && /opt/modelbus/bin/pip install --no-deps --require-hashes --only-binary :all: --requirement runtime.lock \
    && find /opt/modelbus -type d -name tests -path '*site-packages*' -prune -exec rm -rf {} +
RUN --mount=type=cache,target=/root/.cache/pip python -m venv tools \
    && tools/bin/pip install --no-deps --require-hashes --only-binary :all: --requirement build.lock
COPY pyproject.toml README.md LICENSE ./
COPY tools/package_readme.py tools/
COPY shared shared
COPY gateway gateway
COPY trainer trainer
COPY predictor predictor
COPY evaluator evaluator
COPY modelbus modelbus
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/modelbus/bin/pip install --no-index "$(echo dist/*.whl)[server]" \
    && /opt/modelbus/bin/pip check \
    && /opt/modelbus/bin/pip uninstall --yes pip

FROM python:${PYTHON}
RUN groupadd --system --gid 10001 modelbus \
    && useradd --system --uid 10001 --gid modelbus --no-create-home --home-dir /scratch --shell /usr/sbin/nologin modelbus \
    && install --directory --owner modelbus --group modelbus /scratch
COPY --from=build /opt/modelbus /opt/modelbus
COPY --chmod=644 deploy/health.py /opt/modelbus/health.py
# Job processes keep their files in /scratch; nothing else is written, so the root may be read-only.
ENV PATH=/opt/modelbus/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/scratch \
    TMPDIR=/scratch \
    MODELBUS_GATEWAY_HOST=0.0.0.0 \
    MODELBUS_GATEWAY_PORT=8000 \
    MODELBUS_HEALTH_HOST=0.0.0.0 \
    MODELBUS_HEALTH_PORT=9100 \
    MODELBUS_PORT_FILE=/tmp/modelbus.port
USER 10001:10001
WORKDIR /scratch
VOLUME /scratch
EXPOSE 8000 9100
HEALTHCHECK --interval=10s --timeout=10s --start-period=180s --retries=3 CMD ["python", "-IS", "/opt/modelbus/health.py"]
CMD ["python", "-P", "-m", "modelbus.gateway"]
