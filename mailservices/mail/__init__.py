"""What mail is: addresses, headers, MIME, reports, errors. Pure: no I/O, no clock, no SQL, no logging."""
