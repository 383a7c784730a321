import { describe, expect, it } from 'vitest';
import { requireTunnels } from '../../../csr-agent/src/edge/pool.ts';
import { parseProxyUrl, proxyFor } from '../../../csr-agent/src/edge/proxy.ts';

const CA = 'https://ca.example.org';
const HTTPS_PROXY = 'http://proxy:3128';
/** The whole of NO_PROXY as an OpenShift cluster has it. */
const OPENSHIFT =
  '.cluster.local,.svc,10.128.0.0/14,127.0.0.1,172.30.0.0/16,api-int.mesh.example.org,localhost,fd01::/48';

const chosen = (caUrl: string, environment: NodeJS.ProcessEnv, setting: string | null = null) =>
  proxyFor(caUrl, setting, environment)?.shown ?? null;

describe('the proxy on the way to the CA', () => {
  it('is none where nothing says so', () => {
    expect(chosen(CA, {})).toBeNull();
    expect(chosen(CA, { HTTPS_PROXY: '', https_proxy: '' })).toBeNull();
    expect(chosen(CA, { HTTP_PROXY: HTTPS_PROXY })).toBeNull();
  });

  it('is that of the variable for the scheme of the CA, the lower-case one first', () => {
    expect(proxyFor(CA, null, { HTTPS_PROXY })).toEqual({
      url: `${HTTPS_PROXY}/`,
      shown: HTTPS_PROXY,
      from: 'HTTPS_PROXY',
    });
    expect(chosen(CA, { HTTPS_PROXY, https_proxy: 'http://lower:1' })).toBe('http://lower:1');
    expect(chosen('http://ca.example.org', { http_proxy: 'plain:8080', HTTPS_PROXY })).toBe('http://plain:8080');
  });

  it('is that of the setting before any variable, and none when the setting says so', () => {
    expect(chosen(CA, { HTTPS_PROXY, NO_PROXY: '*' }, 'http://set:1')).toBe('http://set:1');
    expect(chosen(CA, { HTTPS_PROXY }, 'none')).toBeNull();
    expect(chosen('https://localhost:8443', {}, 'http://set:1')).toBe('http://set:1');
  });

  it('is shown without its credentials', () => {
    const proxy = proxyFor(CA, null, { HTTPS_PROXY: 'http://user:s3cret@proxy:3128' });
    expect(proxy).toMatchObject({ url: 'http://user:s3cret@proxy:3128/', shown: HTTPS_PROXY });
  });

  it('that is no URL is a fault which does not repeat the password', () => {
    for (const value of ['socks5://user:s3cret@proxy', 'http://user:s3cret@proxy/path', 'http://user:s3cret@']) {
      expect(() => proxyFor(CA, null, { HTTPS_PROXY: value })).toThrow(/^HTTPS_PROXY is not the URL of a proxy/);
      expect(() => proxyFor(CA, null, { HTTPS_PROXY: value })).not.toThrow('s3cret');
    }
  });

  it.each([['https://localhost:8443'], ['https://127.1.2.3'], ['https://[::1]:8443'], ['http://127.0.0.1:8080']])(
    'of the environment is never asked for %s',
    (url) => {
      expect(chosen(url, { HTTPS_PROXY, HTTP_PROXY: HTTPS_PROXY })).toBeNull();
    },
  );

  it.each([
    ['https://ca.ambient.svc', OPENSHIFT],
    ['https://ca.ambient.svc.cluster.local:8443', OPENSHIFT],
    ['https://10.131.4.5', OPENSHIFT],
    ['https://[fd01:0:0:7::9]', OPENSHIFT],
    ['https://api-int.mesh.example.org:8443', OPENSHIFT],
    [CA, '*'],
    [CA, ' example.org '],
    [CA, 'EXAMPLE.ORG'],
    [CA, '*.example.org'],
    [CA, 'a.b ca.example.org:443'],
    ['https://192.0.2.7', '192.0.2.7'],
    ['https://[2001:db8::1]:8443', '[2001:db8::1]:8443'],
    ['https://[2001:db8::1]', '2001:db8::1'],
  ])('is passed by for %s with NO_PROXY %s', (url, NO_PROXY) => {
    expect(chosen(url, { HTTPS_PROXY, NO_PROXY })).toBeNull();
    expect(chosen(url, { HTTPS_PROXY, NO_PROXY: '', no_proxy: NO_PROXY })).toBeNull();
  });

  it.each([
    [CA, OPENSHIFT],
    ['https://svc', OPENSHIFT],
    ['https://10.132.0.1', OPENSHIFT],
    ['https://[fd02::9]', OPENSHIFT],
    [CA, 'xample.org,ca.example,ca.example.org:8443'],
    ['https://example.org', '.example.org'],
    ['https://192.0.2.77', '192.0.2.7,2.77,192.0.2.0/33,192.0.2/24'],
    [CA, ',, ,'],
  ])('is asked for %s with NO_PROXY %s', (url, NO_PROXY) => {
    expect(chosen(url, { HTTPS_PROXY, NO_PROXY })).toBe(HTTPS_PROXY);
  });

  it('needs a Node that knows tunnels: an older one would go past it in silence', () => {
    for (const version of ['24.5.0', '26.10.0', '22.21.0', '25.0.0'])
      expect(() => requireTunnels(version)).not.toThrow();
    for (const version of ['20.20.2', '24.4.1', '22.20.0', '23.11.0']) {
      expect(() => requireTunnels(version)).toThrow(/expected 24.5 or newer/);
    }
  });
});

describe('the URL of a proxy', () => {
  it('may leave out its scheme', () => expect(parseProxyUrl('proxy:3128')?.href).toBe('http://proxy:3128/'));
  it.each(['', 'ftp://proxy', 'http://', 'http://proxy/x', 'http://proxy?x', 'none of these'])('is not %j', (text) => {
    expect(parseProxyUrl(text)).toBeUndefined();
  });
});
