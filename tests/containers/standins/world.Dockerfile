# Tests only: the world outside. A name server that knows one domain, and the Postfix that takes its mail.
FROM debian:trixie-slim
RUN echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections \
 && apt-get update && apt-get install -y --no-install-recommends dnsmasq-base openssl postfix && rm -rf /var/lib/apt/lists/*
COPY sink.sh /usr/local/bin/
CMD ["bash", "/usr/local/bin/sink.sh"]
