# syntax=docker/dockerfile:1
# sloctl with its sidecar: Python, the locked dependencies and the package; no shell, pip or compiler.
#
#   docker buildx build --sbom=true --provenance=true --tag registry.example.com/sloctl:0.1.0 \
#       --build-arg BUILD_IMAGE=docker.io/library/debian@sha256:… \
#       --build-arg RUN_IMAGE=gcr.io/distroless/python3-debian12@sha256:… .
#
# Both images hold Debian 12's Python 3.11: what is installed with the one runs on the other. Pin both by digest
# when you build for others; a tag moves. The bill of materials lists every distribution below /opt/sloctl.
ARG BUILD_IMAGE=docker.io/library/debian:12-slim
ARG RUN_IMAGE=gcr.io/distroless/python3-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3.11 python3.11-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3.11 -m venv /build
# First what seldom changes: exactly the locked wheels, nothing compiled.
COPY requirements/sidecar.txt /src/requirements/
RUN /build/bin/pip --disable-pip-version-check download --require-hashes --only-binary :all: \
        --dest /wheels -r /src/requirements/sidecar.txt
COPY . /src
RUN /build/bin/pip --disable-pip-version-check wheel --no-index --find-links /wheels --no-deps \
        --wheel-dir /wheels /src
# Of these wheels only what sloctl[sidecar] needs: what built it stays behind.
RUN python3.11 -m venv --without-pip /opt/sloctl \
    && /build/bin/pip --disable-pip-version-check --python /opt/sloctl/bin/python install \
        --no-index --find-links /wheels 'sloctl[sidecar]' \
    && /opt/sloctl/bin/sloctl --version

FROM ${RUN_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sloctl" \
      org.opencontainers.image.description="SLO specs to rules, dashboards and live error-budget burn" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/sloctl /opt/sloctl
ENV PATH=/opt/sloctl/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 9464
ENTRYPOINT ["sloctl"]
CMD ["--help"]
