/** Runs the real program on a terminal of its own, which a helper in Python makes, and says what people then see. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { PROGRAM } from '../fixtures/cli.js';

/** The interpreter itself, as the one in the path may be a script that looks for it at length. */
const PYTHON = spawnSync('python3', ['-c', 'import fcntl, pty, sys, termios; print(sys.executable)'], {
  encoding: 'utf8',
});

/** Why there is no terminal to be had. */
export const NO_TERMINAL: string | false = PYTHON.status === 0 ? false : 'there is no python3 with its module pty';

/**
 * The terminal's other end. Standard output is the terminal, or else descriptor 3; standard input is passed on. SIGUSR1
 * types Ctrl-C.
 */
const HELPER = `
import fcntl, os, pty, signal, struct, subprocess, sys, termios
columns, redirected, command = int(sys.argv[1]), sys.argv[2] == '1', sys.argv[3:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
attributes = termios.tcgetattr(slave)
attributes[1] &= ~termios.OPOST
attributes[3] &= ~termios.ECHO
termios.tcsetattr(slave, termios.TCSANOW, attributes)
def own():
    os.setsid()
    fcntl.ioctl(2, termios.TIOCSCTTY, 0)
child = subprocess.Popen(command, stdout=3 if redirected else slave, stderr=slave, preexec_fn=own)
signal.signal(signal.SIGUSR1, lambda *_: os.write(master, b'\\x03'))
os.close(slave)
os.close(0)
if redirected: os.close(3)
while True:
    try:
        got = os.read(master, 65536)
    except OSError:
        break
    if not got: break
    os.write(1, got)
sys.exit(child.wait() % 256)
`;

export interface OnTerminal {
  columns?: number;
  /** Whether standard output is a pipe: only messages go to the terminal. */
  redirected?: boolean;
  env?: Readonly<Record<string, string>>;
}

export interface Session {
  input: Writable;
  /** Types Ctrl-C. */
  interrupt: () => void;
  /** Waits until the terminal, or else the redirected output, has been sent this. */
  seen: (pattern: RegExp) => Promise<void>;
  ended: Promise<Seen>;
}

export interface Seen {
  code: number | null;
  /** All that the terminal was sent. */
  sent: string;
  /** What the redirected standard output was sent. */
  stdout: string;
  screen: Screen;
  ms: number;
}

export function onTerminal(store: string, args: readonly string[], options: OnTerminal = {}): Session {
  const { columns = 80, redirected = false, env = {} } = options;
  const command = [process.execPath, PROGRAM, ...args];
  const begun = performance.now();
  const child: ChildProcess = spawn(
    PYTHON.stdout.trim(),
    ['-I', '-c', HELPER, `${columns}`, redirected ? '1' : '0', ...command],
    {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      env: { ...process.env, CAIRN_STORE: store, ...env },
    },
  );
  const [input, terminal, , output] = child.stdio as unknown as [Writable, Readable, null, Readable];
  input.on('error', () => {});
  let sent = '';
  let stdout = '';
  const waiting = new Set<() => void>();
  const hear = (stream: Readable, keep: (text: string) => void): void => {
    stream.setEncoding('utf8').on('data', (text: string) => {
      keep(text);
      for (const look of waiting) look();
    });
  };
  hear(terminal, (text) => {
    sent += text;
  });
  hear(output, (text) => {
    stdout += text;
  });
  const ended = new Promise<Seen>((resolve) =>
    child.on('close', (code) => {
      for (const look of waiting) look();
      resolve({ code, sent, stdout, screen: screenOf(sent, columns), ms: performance.now() - begun });
    }),
  );
  return {
    input,
    ended,
    interrupt: () => child.kill('SIGUSR1'),
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const isSeen = pattern.test(sent) || pattern.test(stdout);
          if (!isSeen && child.exitCode === null) return;
          waiting.delete(look);
          if (isSeen) resolve();
          else reject(new Error(`never saw ${pattern}: ${JSON.stringify(sent + stdout)}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

export interface Screen {
  /** What is left on it in the end. */
  lines: string[];
  /** Lines of progress, one after the other, all of which are gone in the end. */
  drawn: string[];
  /** Whether any line of progress was too long for it. */
  wrapped: boolean;
}

/** What a terminal makes of what cairn sends: CR, LF, the deletion to the line's end, a line up. */
function screenOf(sent: string, columns: number): Screen {
  const lines = [''];
  const drawn: string[] = [];
  for (const [part] of sent.matchAll(/\r\x1b\[K|\x1b\[A|\n|[^\r\n\x1b]+|[\s\S]/g)) {
    if (part === '\n') lines.push('');
    else if (part === '\x1b[A') lines.pop();
    else if (part !== '\r\x1b[K') lines.push(`${lines.pop()}${part}`);
    else {
      // Only lines of progress are ever taken back.
      const line = lines.pop() as string;
      if (line !== '') drawn.push(line);
      lines.push('');
    }
  }
  return { lines, drawn, wrapped: drawn.some((line) => columnsOf(line) >= columns) };
}

/** Columns that a text takes; east Asian letters take two. */
function columnsOf(text: string): number {
  return [...text].reduce(
    (sum, letter) => sum + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uff00-\uff60]/.test(letter) ? 2 : 1),
    0,
  );
}
