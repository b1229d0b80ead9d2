"""A content filter for postfix that does to mail what gateways do: gateway.py MODE PORT SENDER RECIPIENT < mail

Hands the changed mail to the SMTP server at the port of 127.0.0.1. Exit status 75 (EX_TEMPFAIL): postfix tries again.
"""

import binascii
import email
import email.generator
import email.mime.multipart
import email.mime.text
import email.policy
import io
import smtplib
import sys
import textwrap


def quoted_printable(message):
    """The body in quoted-printable, whatever it was in."""
    body = message.get_payload(decode=True)
    del message["Content-Transfer-Encoding"]
    message["Content-Transfer-Encoding"] = "Quoted-Printable"
    message.set_payload(binascii.b2a_qp(body, istext=False).decode("ascii"))
    message.set_param("charset", "utf-8")
    return message


def rewrap(message):
    """Base64 in lines of 60 characters with blanks behind them."""
    characters = "".join(message.get_payload().split())
    message.set_payload("".join(line + " \t\n" for line in textwrap.wrap(characters, 60)))
    return message


def footer(message):
    """The mail's body as the first of two parts."""
    outer = email.mime.multipart.MIMEMultipart("mixed")
    inner = email.message.Message()
    for name, value in message.items():
        (inner if name.lower().startswith("content-") else outer)[name] = value
    del outer["MIME-Version"]
    outer["MIME-Version"] = "1.0"
    inner.set_payload(message.get_payload())
    outer.attach(inner)
    outer.attach(email.mime.text.MIMEText("This mail was scanned. Think before you print.\n"))
    outer["List-Id"] = "Scanned mail <scanned.example>"
    return outer


def main():
    mode, port, sender, recipient = sys.argv[1:]
    message = email.message_from_bytes(sys.stdin.buffer.read())
    changed = {"quoted-printable": quoted_printable, "rewrap": rewrap, "footer": footer}[mode](message)
    changed["X-Gateway"] = "a field that is much longer than a line, " * 4
    changed["X-Spam-Status"] = "No"
    text = io.BytesIO()
    policy = email.policy.compat32.clone(max_line_length=60, linesep="\r\n")
    email.generator.BytesGenerator(text, mangle_from_=False, policy=policy).flatten(changed)
    try:
        with smtplib.SMTP("127.0.0.1", int(port), timeout=30) as server:
            server.sendmail(sender, [recipient], text.getvalue())
    except (OSError, smtplib.SMTPException) as error:
        print(error, file=sys.stderr)
        return 75
    return 0


if __name__ == "__main__":
    sys.exit(main())
