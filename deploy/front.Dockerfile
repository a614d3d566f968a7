# haproxy with its configuration inside. A mounted file would keep the modes of whoever checked it out, which haproxy's
# user may not read, and an upgrade that replaces the file would not restart the container.
FROM haproxy:3.0
COPY --chmod=0644 front.cfg /usr/local/etc/haproxy/haproxy.cfg
