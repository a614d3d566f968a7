"""A real Postfix beside us, from Debian's package: it takes mail for its domain, and sends us all other."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from appliance.ports import free_port
from mailservices.net.tls import make_self_signed

MASTER = "/usr/lib/postfix/sbin/master"
#: The domain for which it takes mail, for these and nobody else.
DOMAIN = "postfix.test"
USERS = ("pat", "quinn")
NOBODY = 65534

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mx.{domain}
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
disable_dns_lookups = yes
relayhost = [127.0.0.1]:{ours}
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/users
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_minimum_uid = 1
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/mx.pem
smtpd_tls_key_file = {folder}/mx.key
smtp_tls_security_level = may
notify_classes =
"""
MASTER_CF = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass
class Postfix:
    """Runs while it is entered; only root can start it. `ours` is the port to which it sends."""

    ours: int
    port: int = 0

    def __enter__(self) -> Self:
        # Its processes change their user: they must be able to walk here.
        self.folder = Path(tempfile.mkdtemp(prefix="facteur-postfix-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        for name in ("etc", "spool", "data", "mail"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        os.chown(self.folder / "mail", NOBODY, NOBODY)
        make_self_signed(f"mx.{DOMAIN}", self.folder / "mx.pem", self.folder / "mx.key")
        self.port = free_port()
        users = "".join(f"{name}@{DOMAIN} {name}/\n" for name in USERS)
        (self.folder / "etc/users").write_text(users)
        main = MAIN_CF.format(folder=self.folder, domain=DOMAIN, ours=self.ours, uid=NOBODY)
        (self.folder / "etc/main.cf").write_text(main)
        (self.folder / "etc/master.cf").write_text(MASTER_CF.format(port=self.port))
        with (self.folder / "start.log").open("wb") as log:
            subprocess.run(
                ["postfix", "-c", str(self.folder / "etc"), "start"], check=True, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, timeout=60,
            )  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        pid = int((self.folder / "spool/pid/master.pid").read_text())
        if os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") == MASTER:
            os.kill(pid, signal.SIGTERM)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.05)
        shutil.rmtree(self.folder)

    def mailbox(self, user: str) -> list[bytes]:
        """What one of its users has, with the line ends of mail."""
        files = sorted((self.folder / "mail" / user / "new").glob("*"))
        return [one.read_bytes().replace(b"\n", b"\r\n") for one in files]

    def log(self) -> str:
        return (self.folder / "mail.log").read_text()
