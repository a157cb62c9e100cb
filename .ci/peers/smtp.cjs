// A mail server on this machine. Prints `{"port": N}`, then one line of JSON for each mail that it took, as a parser of its own
// reads it. How it behaves is the argument, JSON:
//   secure    TLS from the first byte; starttls: offers STARTTLS; `key` and `cert` are PEM files
//   auth      [user, password] that it wants
//   defer     answers 451 to the first so many recipients (greylisting)
//   refuse    answers 550 to every recipient
//   drop      takes the first so many mails and hangs up before it says so
const fs = require("node:fs");
const { simpleParser } = require("mailparser");
const { SMTPServer } = require("smtp-server");

const how = JSON.parse(process.argv[2] ?? "{}");
let defer = how.defer ?? 0;
let drop = how.drop ?? 0;

function fail(code, text) {
  return Object.assign(new Error(text), { responseCode: code });
}

const server = new SMTPServer({
  secure: how.secure ?? false,
  key: how.key && fs.readFileSync(how.key),
  cert: how.cert && fs.readFileSync(how.cert),
  disabledCommands: [...(how.auth ? [] : ["AUTH"]), ...(how.starttls ? [] : ["STARTTLS"])],
  authMethods: ["PLAIN", "LOGIN"],
  allowInsecureAuth: true,
  disableReverseLookup: true,
  onAuth(auth, _session, done) {
    const [user, password] = how.auth;
    if (auth.username === user && auth.password === password) done(null, { user });
    else done(fail(535, "who are you"));
  },
  onRcptTo(address, _session, done) {
    if (how.refuse) return done(fail(550, `no such user ${address.address}`));
    if (defer > 0) {
      defer -= 1;
      return done(fail(451, "come back later"));
    }
    done();
  },
  onData(stream, session, done) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", async () => {
      const raw = Buffer.concat(chunks);
      const mail = await simpleParser(raw, { skipTextToHtml: true, skipTextLinks: true });
      const line = {
        from: session.envelope.mailFrom.address,
        to: session.envelope.rcptTo.map((one) => one.address),
        secure: session.secure,
        user: session.user ?? null,
        headers: mail.headerLines.map(({ key, line }) => [key, line]),
        header_from: mail.from?.text,
        header_to: mail.to?.text,
        subject: mail.subject,
        id: mail.messageId,
        date: mail.date?.toISOString(),
        text: mail.text,
        html: mail.html || null,
        attachments: mail.attachments.length,
      };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      if (drop > 0) {
        drop -= 1;
        session.connection?._socket?.destroy();
        for (const connection of server.connections) connection._socket.destroy();
        return;
      }
      done();
    });
  },
});

server.on("error", () => {});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ port: server.server.address().port })}\n`);
});
// Whoever started it is gone: so is it.
process.stdin.on("end", () => process.exit(0)).resume();
