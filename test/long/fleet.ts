/** A hundred rounds of three stores in front of one registry, all killed at will. */
import { fastScratch } from '../faults/fast.js';
import { runFleet } from '../faults/fleet.js';
import { finish, skip } from '../faults/report.js';
import { missing } from '../fixtures/peers.js';

const lacking = missing('docker-registry');
if (lacking !== false) skip('fleet', lacking);
else {
  const { rounds, kills, unique, moved, wrong } = await fastScratch((dir) => runFleet(dir, 100));
  const tooMuch = moved > unique * 1.05 ? [`${moved} bytes moved, ${unique} were needed`] : [];
  finish({
    name: 'fleet',
    figures: { rounds, kills, 'bytes needed': unique, 'bytes moved': moved },
    wrong: [...wrong, ...tooMuch],
  });
}
