/** Which proxy of the environment stands before a host. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from '../../engine/remote/proxies.js';

const PROXY = 'http://proxy.example.com:3128';
const BOTH = { http_proxy: 'http://plain.example.com:80', https_proxy: PROXY };

test('a proxy is for its scheme, by a name in either case', () => {
  const cases: readonly [url: string, env: Record<string, string>, proxy: string | undefined][] = [
    ['https://a.org', BOTH, `${PROXY}/`],
    ['http://a.org', BOTH, 'http://plain.example.com/'],
    ['https://a.org', { HTTPS_PROXY: PROXY }, `${PROXY}/`],
    ['https://a.org', { https_proxy: '', HTTPS_PROXY: PROXY }, undefined],
    ['https://a.org', { http_proxy: PROXY }, undefined],
    ['https://a.org', { https_proxy: 'proxy.example.com:3128' }, `${PROXY}/`],
    ['https://a.org', {}, undefined],
    ['https://localhost', BOTH, undefined],
    ['http://127.0.0.1:8080', BOTH, undefined],
    ['http://[::1]:8080', BOTH, undefined],
  ];
  for (const [url, env, proxy] of cases) assert.equal(proxyFor(new URL(url), env)?.href, proxy, `${url} ${proxy}`);
});

test('no_proxy excepts hosts, domains, addresses and blocks of them', () => {
  const cases: readonly [list: string, url: string, excepted: boolean][] = [
    ['*', 'https://a.org', true],
    ['a.org', 'https://a.org', true],
    ['a.org', 'https://b.a.org', true],
    ['a.org', 'https://ba.org', false],
    ['.a.org', 'https://b.a.org', true],
    ['*.a.org', 'https://b.a.org', true],
    ['b.org, A.org', 'https://a.org', true],
    ['b.org a.org', 'https://a.org', true],
    ['a.org:443', 'https://a.org', true],
    ['a.org:443', 'https://a.org:8443', false],
    ['a.org:80', 'http://a.org', true],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['1.2.3', 'https://10.1.2.3', false],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.0.0.0/8', 'https://a.org', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['fd00::/8', 'https://[fd00::1]', true],
    ['fd00::1', 'https://[fd00::1]', true],
    ['[fd00::1]:443', 'https://[fd00::1]', true],
    ['', 'https://a.org', false],
    [' , ', 'https://a.org', false],
  ];
  for (const [list, url, excepted] of cases)
    assert.equal(proxyFor(new URL(url), { ...BOTH, no_proxy: list }) === undefined, excepted, `${list}: ${url}`);
});

test('what is no proxy is refused, and not shown', () => {
  for (const value of ['socks5://user:secret@host', 'http://', 'http://[']) {
    assert.throws(
      () => proxyFor(new URL('https://a.org'), { https_proxy: value }),
      (error: Error & { code?: string }) => error.code === 'ERR_CONFIG' && !error.message.includes('secret'),
    );
  }
});
