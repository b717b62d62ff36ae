// Terra's own JavaScript client in the hands of a test: node client.cjs, with what to do as JSON on standard input.
// Prints the answers as one JSON object.
const { TerraClient, verifyTerraWebhookSignature } = require("terra-api");

async function refused(call) {
  try {
    await call;
    return null;
  } catch (error) {
    return { status: error.statusCode, detail: error.body && error.body.detail };
  }
}

async function walk({ url, devId, apiKey, scopes }) {
  const options = { maxRetries: 0, timeoutInSeconds: 10 };
  const client = new TerraClient({ baseUrl: url, devId, apiKey });
  const stranger = new TerraClient({ baseUrl: url, devId, apiKey: "another" });
  const link = await client.authentication.authenticateuser({ resource: "OURA", reference_id: "js" }, options);
  const form = new URLSearchParams([["decision", "allow"], ...scopes.map((scope) => ["scope", scope])]);
  const consent = await fetch(link.auth_url, { method: "POST", body: form, redirect: "manual" });
  return {
    link,
    consent: consent.status,
    user: await client.user.getinfoforuserid({ user_id: link.user_id }, options),
    named: await client.user.getinfoforuserid({ reference_id: "js" }, options),
    page: await client.user.getalluserids({ page: 0, per_page: 5 }, options),
    bulk: await client.user.getinfoformultipleuserids([link.user_id], options),
    athlete: await client.athlete.fetch({ user_id: link.user_id, to_webhook: false }, options),
    token: await client.authentication.generateauthtoken(options),
    integrations: await client.integrations.fetch(options),
    detailed: await client.integrations.detailedfetch({}, options),
    deauthenticated: await client.authentication.deauthenticateuser({ user_id: link.user_id }, options),
    gone: await refused(client.user.getinfoforuserid({ user_id: link.user_id }, options)),
    unknownResource: await refused(client.authentication.authenticateuser({ resource: "NOPE" }, options)),
    unauthorized: await refused(stranger.authentication.generateauthtoken(options)),
  };
}

async function verify({ events, secret }) {
  const verdicts = [];
  for (const { body, signature } of events) {
    try {
      verdicts.push(await verifyTerraWebhookSignature(body, signature, secret));
    } catch (error) {
      verdicts.push(error.message);
    }
  }
  return { verdicts };
}

async function main() {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const asked = JSON.parse(text);
  process.stdout.write(JSON.stringify(await (asked.events ? verify(asked) : walk(asked))));
}

main();
