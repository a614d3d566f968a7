# One image for every Python service: the command chooses the duty.
# There is no "# syntax=" line: BuildKit would ask a registry for it. A release pins BASE_IMAGE by its digest.
ARG BASE_IMAGE=debian:trixie-slim

FROM ${BASE_IMAGE} AS python
ENV LANG=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PATH=/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 tini \
 && rm -rf /var/lib/apt/lists/*

FROM python AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /venv
COPY requirements.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --disable-pip-version-check --no-compile --no-deps --require-hashes --only-binary=:all: \
        --requirement /tmp/requirements.txt \
 && python3 -m compileall -q /venv/lib \
 && rm -rf /venv/lib/python3*/site-packages/pip*
WORKDIR /facteur
COPY CHANGELOG.md LICENSE ./
COPY appliance appliance
COPY facteur facteur
COPY mailservices mailservices
COPY webadmin webadmin
COPY workers workers
# Readable to the image's user, whatever the umask of whoever checked it out.
RUN python3 -m compileall -q . && chmod -R a+rX .

FROM python
RUN useradd --system --uid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin facteur \
 && printf '#!/bin/sh\nexec python3 -m facteur "$@"\n' > /usr/local/bin/facteur && chmod 755 /usr/local/bin/facteur \
 && install -d -o facteur -g facteur -m 0750 /secrets /spool
COPY --from=build /venv /venv
COPY --from=build /facteur /facteur
WORKDIR /facteur
USER facteur
ENTRYPOINT ["tini", "--"]
CMD ["python3", "-m", "webadmin"]
