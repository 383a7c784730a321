import { webCrypto } from '../../pki/src/crypto/web.ts';
import { type App, createApp } from './app.ts';
import { parseConfig } from './config.ts';
import type { Env } from './env.ts';
import { consoleLog } from './log.ts';
import { objectsOf } from './lookup/objects.ts';

export { ClusterIssuer } from './objects/cluster_issuer.ts';
export { Directory } from './objects/directory.ts';
export { TrustDomain } from './objects/trust_domain.ts';

/** One app for each isolate and its bindings, so that the caches in it outlive a request. */
const apps = new WeakMap<Env, App>();

export default {
  fetch(request, env) {
    let app = apps.get(env);
    if (app === undefined) {
      const log = consoleLog('worker', Date.now);
      app = createApp({ config: parseConfig(env), objects: objectsOf(env), crypto: webCrypto(), clock: Date.now, log });
      apps.set(env, app);
    }
    return app.fetch(request);
  },
} satisfies ExportedHandler<Env>;
