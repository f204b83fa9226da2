import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { DiskWatch, maxFilesOf } from '../../src/engine/isolation/disk-watch.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { findProgram } from '../../src/ground/util/find-program.ts';
import { type Meter, makeMeter, measureDisk } from '../../src/workspace/disk/measure.ts';
import { temporaryDirectory } from '../support/harness.ts';
import { SYSTEM_PATH } from '../support/isolation-driver.ts';

const MB = 2 ** 20;
const ORDINARY_USER = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const meter = makeMeter({ du: findProgram('du', SYSTEM_PATH), bwrap: findProgram('bwrap', SYSTEM_PATH) });

describe('the watch over what agents have on disk', () => {
  const stack = new AsyncDisposableStack();
  let root: string;

  before(async () => {
    root = stack.use(await temporaryDirectory()).path;
    await chmod(root, 0o755);
  });
  after(async () => await stack.disposeAsync());

  async function directory(name: string): Promise<string> {
    const path = join(root, name);
    await mkdir(path);
    if (ORDINARY_USER.uid !== undefined) await chown(path, ORDINARY_USER.uid, ORDINARY_USER.gid);
    return path;
  }

  function watchWith(changed: Partial<Meter>, maxBytes: number): DiskWatch {
    const options = { directory: root, maxBytes, meter: { ...meter, ...changed } };
    return new DiskWatch({ ...options, logger: createSilentLogger() });
  }

  it('sees into directories that an agent has closed, on an ordinary server as well', async () => {
    const path = await directory('closed');
    const code = `import os
os.mkdir('no'); open('no/file', 'wb').write(b'x' * 3000000)
for i in range(200): os.mkdir('no/%d' % i); os.chmod('no/%d' % i, 0)
os.chmod('no', 0)`;
    execFileSync('python3', ['-c', code], { cwd: path, ...ORDINARY_USER });
    const measure = new URL('../../src/workspace/disk/measure.ts', import.meta.url).href;
    const program = `const { makeMeter, measureDisk } = await import('${measure}');
      const meter = makeMeter({ du: '${findProgram('du', SYSTEM_PATH)}', bwrap: '${findProgram('bwrap', SYSTEM_PATH)}' });
      console.log(JSON.stringify(await measureDisk(meter, [process.argv[1]])));`;
    const args = ['--input-type=module', '-e', program, path];
    const seen = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', ...ORDINARY_USER }));
    assert.ok(seen.bytes > 3_000_000, JSON.stringify(seen));
    assert.equal(seen.files, 203);
  });

  it('takes no harm from more complaints than anybody can read', async () => {
    const path = await directory('loud');
    const du = join(root, 'loud-du');
    await writeFile(
      du,
      '#!/bin/sh\nyes "cannot read this directory" | head -c 20000000 >&2\necho "7 x"\nexit 1\n',
      {
        mode: 0o755,
      },
    );
    assert.deepEqual(await measureDisk({ ...meter, command: [du] }, [path]), { bytes: 7 * 1024, files: 7 });
  });

  it('ends who writes too much, while another one cannot be measured; and that one, the second time', async () => {
    const [slow, greedy, modest] = await Promise.all(['slow', 'greedy', 'modest'].map(directory));
    assert.ok(slow !== undefined && greedy !== undefined && modest !== undefined);
    const du = join(root, 'slow-du');
    const real = findProgram('du', SYSTEM_PATH);
    await writeFile(du, `#!/bin/sh\ncase "$*" in *${slow}*) exec sleep 60;; *) exec ${real} "$@";; esac\n`, {
      mode: 0o755,
    });
    using watch = watchWith({ command: [du], timeout: 1_500 }, 4 * MB);
    const ended: string[] = [];
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    watch.watch([slow], () => second.resolve(void ended.push('slow')));
    watch.watch([greedy], () => first.resolve(void ended.push('greedy')));
    watch.watch([modest], () => void ended.push('modest'));
    // Beginning with nothing; what comes is seen by the space that goes.
    const writing = setInterval(
      () => void writeFile(join(greedy, String(Date.now())), Buffer.alloc(3 * MB)),
      300,
    );
    await Promise.all([first.promise, second.promise]);
    clearInterval(writing);
    assert.deepEqual([...new Set(ended)].toSorted(), ['greedy', 'slow']);
  });

  it('ends nobody because it could not look, and tells so once', async () => {
    const path = await directory('unseen');
    const lines: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => void lines.push(line) });
    const looked = Promise.withResolvers<void>();
    let looks = 0;
    const missing: Meter = {
      ...meter,
      get command() {
        if (++looks === 4) looked.resolve();
        return ['/nowhere/du'];
      },
    };
    using watch = new DiskWatch({ directory: root, maxBytes: MB, meter: missing, logger });
    let isEnded = false;
    watch.watch([path], () => {
      isEnded = true;
    });
    await looked.promise;
    assert.equal(isEnded, false);
    assert.equal(lines.length, 1, lines.join(''));
  });

  it('goes on when somebody could not be ended', async () => {
    const path = await directory('stubborn');
    using watch = watchWith({ command: ['/bin/false'] }, MB);
    let tries = 0;
    await new Promise<void>((resolve) => {
      watch.watch([path], () => {
        if (++tries === 2) resolve();
        throw new Error('no descriptors are left to end it with');
      });
    });
  });

  it('counts files as well as bytes', async () => {
    assert.equal(maxFilesOf(10 * 2 ** 30), 655_360);
    assert.equal(maxFilesOf(MB), 100_000);
    const path = await directory('many');
    const du = join(root, 'counting-du');
    // Files of which there are more at each look, and of no size.
    await writeFile(
      du,
      `#!/bin/sh\ncase "$*" in *inodes*) echo x >>${root}/looks; wc -l <${root}/looks | sed 's/$/00000/';; *) echo 1;; esac\n`,
      { mode: 0o755 },
    );
    using watch = watchWith({ command: [du] }, MB);
    await new Promise<void>((resolve) => {
      watch.watch([path], resolve);
      // Space goes, so that it looks again.
      void writeFile(join(root, 'loss'), Buffer.alloc(2 * MB));
      const losing = setInterval(
        () => void writeFile(join(root, 'loss'), Buffer.alloc(2 * MB), { flag: 'a' }),
        500,
      );
      stack.defer(() => clearInterval(losing));
    });
  });
});
