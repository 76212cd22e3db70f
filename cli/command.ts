/** An entry of the list of commands. */
import type { Command } from 'commander';

export interface CommandEntry {
  name: string;
  aliases?: readonly string[];
  summary: string;
  /** `define` adds arguments, options, examples and the action. @param commands all commands */
  load: () => Promise<{ define: (command: Command, commands: readonly CommandEntry[]) => void }>;
}
