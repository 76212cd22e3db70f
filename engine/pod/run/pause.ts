/**
 * The program that holds the namespaces which several apps share: the first process of theirs, which waits, and takes
 * leave of processes that nobody waits for. If an app held them itself, its end would be the end of all others.
 *
 * It is written here as bytes, some two hundred of them: images need not hold a program to wait with, and none of the
 * host's, which would bring its libraries, is let into the pod.
 */

/** `ignore SIGCHLD; for (;;) pause()` for each architecture, and after it what the first call refers to. */
const PROGRAMS: Readonly<Partial<Record<NodeJS.Architecture, { machine: number; code: Buffer }>>> = {
  x64: {
    machine: 62,
    code: Buffer.from(
      [
        'b80d000000', // mov eax, 13 (rt_sigaction)
        'bf11000000', // mov edi, 17 (SIGCHLD)
        '488d3513000000', // lea rsi, [rip + 19]
        '31d2', // xor edx, edx
        '41ba08000000', // mov r10d, 8
        '0f05', // syscall
        'b822000000', // mov eax, 34 (pause)
        '0f05', // syscall
        'ebf7', // jmp to the second mov eax
        `01${'00'.repeat(31)}`, // SIG_IGN, no flags
      ].join(''),
      'hex',
    ),
  },
  arm64: {
    machine: 183,
    code: words(
      0xd28010c8, // mov x8, 134 (rt_sigaction)
      0xd2800220, // mov x0, 17 (SIGCHLD)
      0x10000181, // adr x1, 48 bytes on
      0xd2800002, // mov x2, 0
      0xd2800103, // mov x3, 8
      0xd4000001, // svc 0
      0xd2800928, // mov x8, 73 (ppoll)
      0xd2800000, // mov x0, 0
      0xd2800001, // mov x1, 0
      0xd2800002, // mov x2, 0
      0xd2800003, // mov x3, 0
      0xd4000001, // svc 0
      0x17fffffa, // b to the second mov x8
      ...[0, 1, 0, 0, 0, 0, 0, 0, 0], // padding, SIG_IGN, no flags
    ),
  },
};

function words(...all: number[]): Buffer {
  return Buffer.concat(
    all.map((word) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(word);
      return bytes;
    }),
  );
}

const HEADERS = 64 + 56;
const BASE = 0x40_0000n;

/** The program as an ELF file for this machine; `undefined` where there is none for it. */
export function pauseProgram(architecture: NodeJS.Architecture = process.arch): Buffer | undefined {
  const program = PROGRAMS[architecture];
  if (program === undefined) return undefined;
  const { machine, code } = program;
  const headers = Buffer.alloc(HEADERS);
  headers.write('\x7fELF\x02\x01\x01', 'latin1');
  headers.writeUInt16LE(2, 16); // an executable
  headers.writeUInt16LE(machine, 18);
  headers.writeUInt32LE(1, 20);
  headers.writeBigUInt64LE(BASE + BigInt(HEADERS), 24); // where it begins
  headers.writeBigUInt64LE(64n, 32); // where the one program header stands
  headers.writeUInt16LE(64, 52);
  headers.writeUInt16LE(56, 54);
  headers.writeUInt16LE(1, 56);
  headers.writeUInt32LE(1, 64); // to be loaded
  headers.writeUInt32LE(5, 68); // readable, executable
  headers.writeBigUInt64LE(BASE, 80);
  headers.writeBigUInt64LE(BASE, 88);
  const size = BigInt(HEADERS + code.length);
  headers.writeBigUInt64LE(size, 96);
  headers.writeBigUInt64LE(size, 104);
  headers.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([headers, code]);
}
