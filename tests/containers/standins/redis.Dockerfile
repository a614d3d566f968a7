# Tests only: stands in for the official image of this name where no registry can be reached.
FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
 && install -d -m 1777 /data
VOLUME /data
WORKDIR /data
CMD ["redis-server"]
