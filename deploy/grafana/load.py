"""A small, mixed load on the demo's accounts, for the picture of the dashboard: load.py IMAP POP3 LMTP SECONDS (ports on loopback)."""
import imaplib, poplib, random, smtplib, sys, threading, time

imap, pop3, lmtp, seconds = map(int, sys.argv[1:])
end = time.time() + seconds
user, password = 'both@example.org', 'demo'


def forever(work, pause):
    def run():
        while time.time() < end:
            try:
                work()
            except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException, OSError):
                pass  # refusals belong to the picture
            time.sleep(random.uniform(0, 2 * pause))
    return threading.Thread(target=run)


def read():
    c = imaplib.IMAP4('127.0.0.1', imap)
    c.login(random.choice([user, 'imap@example.org']), password)
    c.select('INBOX')
    for _ in range(8):
        ids = c.search(None, 'ALL')[1][0].split()
        if ids:
            n = random.choice(ids).decode()
            c.fetch(n, '(FLAGS ENVELOPE BODYSTRUCTURE)')
            c.fetch(n, '(BODY.PEEK[])')
            c.store(n, '+FLAGS', '\\Seen' if random.random() < .8 else '\\Deleted')
        time.sleep(.2)
    if random.random() < .3:
        c.expunge()
    if random.random() < .2:
        c.xatom('NONSENSE')
    c.logout()


def poll():
    c = poplib.POP3('127.0.0.1', pop3)
    c.user(random.choice([user, 'pop@example.org']))
    c.pass_(password)
    n = len(c.list()[1])
    c.uidl()
    if n:
        c.retr(1)
        if n > 20:
            c.dele(1)
    time.sleep(random.uniform(0, .5))
    c.quit()


def guess():
    c = imaplib.IMAP4('127.0.0.1', imap)
    c.login(user, 'wrong%d' % random.randrange(3))


def deliver():
    c = smtplib.LMTP('127.0.0.1', lmtp)
    c.sendmail('sender@example.net', random.choice([user, 'pop@example.org', 'imap@example.org', 'nobody@example.org']),
               # Lines longer than poplib takes: it breaks off then, and that belongs to the picture too.
               'Subject: number %d\r\nMessage-ID: <%d@example.net>\r\n\r\n%s\r\n' % (random.randrange(99), random.randrange(1 << 40), 'text ' * random.randrange(2000)))
    c.quit()


work = [forever(*w) for w in [(read, .5)] * 4 + [(poll, 1)] * 3 + [(guess, 8), (deliver, .3)]]
for w in work:
    w.start()
for w in work:
    w.join()
