/** What the list of commands says of each. */
import type { Command } from 'commander';

export interface CommandEntry {
  name: string;
  aliases?: readonly string[];
  summary: string;
  /** Adds arguments, options, examples and the action. @param commands all there are */
  load: () => Promise<{ define: (command: Command, commands: readonly CommandEntry[]) => void }>;
}
