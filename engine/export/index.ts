/**
 * Archives and layouts out of the store. May import: resolve, content, session, plan, index, image, disk,
 * workers/tasks, core.
 *
 * Begin with `export.ts`; `layout.ts` writes what other tools load.
 */
export type { Exported, ExportFormat, ExportOptions } from './export.js';
