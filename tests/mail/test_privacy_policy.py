"""What an account says counts before what its domain says, and that before what is usual."""

from mailservices.mail.privacy_policy import WISHES, Policy, merged


def test_nobody_has_said_anything() -> None:
    assert merged() == merged(None, None) == Policy()
    usual = Policy()
    assert (usual.on_arrival, usual.sign, usual.encrypt, usual.decrypt) == ("off", "off", "never", False)


def test_what_the_account_says_counts_first() -> None:
    nothing = dict.fromkeys(WISHES)
    account = nothing | {"sign": "smime", "learn": False}
    domain = nothing | {"sign": "openpgp", "learn": True, "encrypt": "possible", "on_append": ["Sent"]}
    told = merged(account, domain)
    assert (told.sign, told.learn, told.encrypt, told.on_append) == ("smime", False, "possible", ("Sent",))
    assert merged(None, domain).sign == "openpgp"
