"""What uv 0.13.9, pip 23.2 and venv really write when they fail, and a phrase of what that means."""

REAL_OUTPUTS = {
    "uv, nothing listens": (
        """\
        error: Request failed after 3 retries in 9.3s
          cause: Failed to fetch: http://127.0.0.1:9/simple/iniconfig/
          cause: error sending request for url (http://127.0.0.1:9/simple/iniconfig/)
          cause: client error (Connect)
          cause: tcp connect error
          cause: Connection refused (os error 111)""",
        "no network, or the server does not answer",
    ),
    "uv, no DNS": (
        """\
        error: Request failed after 3 retries in 7.6s
          cause: Failed to fetch: https://no-such-host.invalid/simple/iniconfig/
          cause: error sending request for url (https://no-such-host.invalid/simple/iniconfig/)
          cause: client error (Connect)
          cause: dns error
          cause: error resolving DNS
          cause: failed to lookup address information: Name or service not known""",
        "no network, or the server does not answer",
    ),
    "uv, server fails": (
        """\
        error: Request failed after 3 retries in 5.6s
          cause: Failed to fetch: http://127.0.0.1:18503/simple/iniconfig/
          cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1:18503/simple/)""",
        "no network, or the server does not answer",
    ),
    "uv, offline": (
        """\
        error: No solution found when resolving dependencies
          cause: Because iniconfig was not found in the cache and you require iniconfig==2.1.0, we can \
conclude that your requirements are unsatisfiable.

        hint: Packages were unavailable because the network was disabled.""",
        "no network, or the server does not answer",
    ),
    "pip, nothing listens": (
        """\
        WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by 'NewConnectionError('<HTTPConnection object at 0x7fa8769925d0>: Failed to establish a \
new connection: [Errno 111] Connection refused')': /simple/uv/
        ERROR: Could not find a version that satisfies the requirement uv==0.13.9 (from versions: none)
        ERROR: No matching distribution found for uv==0.13.9""",
        "no network, or the server does not answer",
    ),
    "uv, refused": (
        """\
        error: No solution found when resolving dependencies
          cause: Because iniconfig was not found in the package registry and you require iniconfig==2.1.0

        hint: An index (http://127.0.0.1:18403/simple) returned a 403 Forbidden error.""",
        "refused access",
    ),
    "uv, wrong hash": (
        """\
        error: Failed to download `iniconfig==2.1.0`
          cause: Hash mismatch for `iniconfig==2.1.0`

                 Expected:
                   sha256:0000000000000000000000000000000000000000000000000000000000000000

                 Computed:
                   sha256:9deba5723312380e77435581c6bf4935c94cbfab9b1ed33ef8d238ea168eb760""",
        "does not match the hash in the lock",
    ),
    "pip, wrong hash": (
        """\
        ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the \
package versions, please update the hashes.""",
        "does not match the hash in the lock",
    ),
    "uv, no hashes": (
        """\
        error: In `--require-hashes` mode, all requirements must have a hash, but none were provided for: \
iniconfig==2.1.0""",
        "lacks hashes",
    ),
    "uv, disk full": (
        """\
        error: Failed to install: iniconfig-2.1.0-py3-none-any.whl (iniconfig==2.1.0)
          cause: Failed to copy to `t/iniconfig-2.1.0.dist-info/RECORD`
          cause: failed to copy file from /a to /b: No space left on device (os error 28)""",
        "the disk is full",
    ),
    "pip, disk full": (
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "the disk is full",
    ),
    "uv, TLS": (
        """\
        error: Failed to fetch: https://localhost:18443/simple/iniconfig/
          cause: error sending request for url (https://localhost:18443/simple/iniconfig/)
          cause: client error (Connect)
          cause: invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))""",
        "certificate not trusted here",
    ),
    "pip, TLS": (
        """\
        WARNING: Retrying after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: \
CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1000)'))': /simple/uv/
        ERROR: No matching distribution found for uv==0.13.9""",
        "certificate not trusted here",
    ),
    "uv, no proxy there": (
        """\
        error: Request failed after 3 retries in 11.6s
          cause: client error (Connect)
          cause: tunnel error: failed to create underlying connection
          cause: tcp connect error
          cause: Connection refused (os error 111)""",
        "the proxy could not be reached",
    ),
    "pip, no proxy there": (
        """\
        WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', \
NewConnectionError('Failed to establish a new connection: [Errno 111] Connection refused'))': /simple/uv/
        ERROR: No matching distribution found for uv==0.13.9""",
        "the proxy could not be reached",
    ),
    "uv, proxy wants a password": (
        "  cause: client error (Connect)\n  cause: tunnel error: proxy authorization required",
        "asks for a user name and password",
    ),
    "pip, proxy wants a password": (
        """\
        WARNING: Retrying after connection broken by 'ProxyError('Cannot connect to proxy.', \
OSError('Tunnel connection failed: 407 Proxy Authentication Required'))': /simple/uv/
        ERROR: No matching distribution found for uv==0.13.9""",
        "asks for a user name and password",
    ),
    "uv, no such version": (
        """\
        error: No solution found when resolving dependencies
          cause: Because there is no version of iniconfig==99.1.0 and you require iniconfig==99.1.0""",
        "no build for this Python or this platform",
    ),
    "uv, not writable": (
        "error: failed to create directory `ro/x`: Operation not permitted (os error 1)",
        "may not be written",
    ),
    "venv, Debian without its package": (
        """\
        The virtual environment was not created successfully because ensurepip is not
        available.  On Debian/Ubuntu systems, you need to install the python3-venv
        package using the following command.""",
        "its venv module is not complete",
    ),
}
