// The authorization server of npm's `oidc-provider`, with one client of ours and a consent screen with boxes.
// Arguments: the redirect URI. Prints its issuer once it listens; ends when its standard input does.
//
// The consent screen is asked with the account that signs in and the boxes that stay ticked:
// POST /interaction/<uid> account=ben&granted=daily+heartrate, or refuse=1. With groups=a+b the account is in these.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [redirectUri] = process.argv.slice(2);
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const groups = new Map();

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'scope-desk',
    client_secret: 'a secret: with/signs+',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
  }],
  scopes: ['openid', 'profile', 'email', 'offline_access', 'daily', 'heartrate', 'workout'],
  claims: { openid: ['sub', 'groups'], profile: ['preferred_username', 'given_name', 'family_name'], email: ['email'] },
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, AuthorizationCode: 60, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
  cookies: { keys: ['for the tests alone'] },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({
      sub,
      groups: groups.get(sub) ?? [],
      preferred_username: sub,
      given_name: 'Rita',
      family_name: 'Rex',
      email: `${sub}@example.org`,
    }),
  }),
});

async function bodyOf(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return new URLSearchParams(text);
}

async function interact(request, response) {
  const { params, prompt, session } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ prompt: prompt.name, params }));
    return;
  }
  const form = await bodyOf(request);
  const finish = (result) => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
  if (form.has('refuse')) {
    await finish({ error: 'access_denied', error_description: 'the person refused' });
  } else if (prompt.name === 'login') {
    if (form.has('groups')) groups.set(form.get('account'), form.get('groups').split(' '));
    await finish({ login: { accountId: form.get('account') } });
  } else {
    const ticked = new Set(['openid', 'profile', 'email', 'offline_access', ...form.get('granted').split(' ')]);
    const asked = params.scope.split(' ');
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(asked.filter((scope) => ticked.has(scope)).join(' '));
    const declined = asked.filter((scope) => !ticked.has(scope));
    if (declined.length) grant.rejectOIDCScope(declined.join(' '));
    await finish({ consent: { grantId: await grant.save() } });
  }
}

const oauth = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return oauth(request, response);
  return interact(request, response).catch((error) => {
    response.statusCode = 400;
    response.end(String(error));
  });
});
process.stdin.on('end', () => process.exit(0)).resume();
console.log(issuer);
