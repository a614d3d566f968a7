# Postfix that takes mail for anybody at outside.test and keeps it in one mailbox file, with STARTTLS.
set -eu
cd /etc/postfix
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mx.outside.test -keyout key.pem -out cert.pem 2>/dev/null
useradd --create-home keeper
cat > main.cf <<EOF
compatibility_level = 3.6
maillog_file = /dev/stdout
myhostname = mx.outside.test
mydestination = outside.test, mx.outside.test
luser_relay = keeper
local_recipient_maps =
alias_maps =
mailbox_command =
home_mailbox = mail
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
smtpd_tls_security_level = may
smtpd_tls_received_header = yes
EOF
postconf -M "postlog/unix-dgram=postlog unix-dgram n - n - 1 postlogd"
postconf -F '*/*/chroot = n'
exec postfix start-fg
