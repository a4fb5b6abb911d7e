// A reporter for node's own test runner: JUnit XML like its built-in one, with the file of every test.
//
// The built-in reporter leaves the file out, so that two tests of one name could not be told apart, and drops
// the failure of a test that has subtests. A testcase here is named by file, the names above it (classname)
// and its own; one named like its file says that the file could not be run, or only in part. Older versions
// than node 18.19 do not name the file of every test.

import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const MESSAGE = 20_000;
const HIDDEN = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const MARKS = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '&#10;', '\r': '&#13;', '\t': '&#9;' };

export default async function* report(events) {
  const open = []; // names of the tests that have started, outermost first
  const said = new Map(); // what each file wrote to its stderr, the end of it
  yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite name="node">\n';
  for await (const { type, data } of events) {
    if (type === 'test:stderr') {
      const file = relativeFile(data);
      said.set(file, ((said.get(file) ?? '') + data.message).slice(-MESSAGE));
    } else if (type === 'test:start') {
      open.length = data.nesting;
      open[data.nesting] = data.name;
    } else if (type === 'test:pass' || type === 'test:fail') {
      const failed = type === 'test:fail' && !data.todo;
      const suite = data.details?.type === 'suite';
      if (!suite) yield testcase(data, open.slice(0, data.nesting), failed, said);
      else if (failed && data.details.error?.failureType !== 'subtestsFailed') yield brokenSuite(data);
    }
  }
  yield '</testsuite></testsuites>\n';
}

function testcase(data, above, failed, said) {
  const file = relativeFile(data);
  const wholeFile = data.nesting === 0 && relative('', resolve(data.name)) === file;
  const name = wholeFile ? file : data.name;
  const printed = wholeFile ? said.get(file) : '';
  const content = failed ? failure(data.details.error, printed) : skipped(data);
  return element(file, above.join(' > '), name, data.details?.duration_ms, content);
}

function brokenSuite(data) {
  const file = relativeFile(data);
  return element(file, '', file, data.details.duration_ms, failure(data.details.error));
}

function element(file, above, name, milliseconds, content) {
  const time = ((milliseconds ?? 0) / 1000).toFixed(6);
  const names = `file="${escaped(file)}" classname="${escaped(above)}" name="${escaped(name)}"`;
  return `<testcase ${names} time="${time}">${content}</testcase>\n`;
}

function failure(error, printed = '') {
  const cause = error?.cause;
  const text = printed || String(cause?.stack ?? cause ?? '').slice(0, MESSAGE);
  const message = String(error?.message ?? 'failed').slice(0, MESSAGE);
  return `<failure type="${escaped(String(error?.failureType))}" message="${escaped(message)}">${escaped(text)}</failure>`;
}

function skipped({ skip, todo }) {
  if (skip === undefined && todo === undefined) return '';
  const reason = skip ?? todo;
  return `<skipped message="${escaped(typeof reason === 'string' ? reason : '')}"/>`;
}

function relativeFile({ file }) {
  return relative('', file?.startsWith('file:') ? fileURLToPath(file) : (file ?? ''));
}

function escaped(text) {
  return text.replace(HIDDEN, '\ufffd').replace(/[&<>"\n\r\t]/g, (mark) => MARKS[mark]);
}
