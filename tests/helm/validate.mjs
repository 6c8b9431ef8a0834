// node validate.mjs DIRECTORY: checks every *.json in it, each an array of Kubernetes objects, against the models of their
// kinds: values by the models' own validation, unknown fields by the type checker. Prints what is wrong; exit code 1 then.
import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import ts from 'typescript';

const models = {
  'monitoring.coreos.com': '@kubernetes-models/prometheus-operator',
  'gateway.networking.k8s.io': '@kubernetes-models/gateway-api',
  'cert-manager.io': '@kubernetes-models/cert-manager',
  'keda.sh': '@kubernetes-models/keda',
};
const directory = process.argv[2];
const problems = [];
const types = new Map();
let source = '';
let documents = 0;

for (const file of readdirSync(directory).filter((name) => name.endsWith('.json')).sort()) {
  for (const document of JSON.parse(readFileSync(join(directory, file), 'utf8'))) {
    const {apiVersion, kind, metadata} = document;
    const name = `${file}: ${kind} ${metadata?.name}`;
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
    const module = `${models[group] ?? 'kubernetes-models'}/${apiVersion}`;
    try {
      new (await import(module))[kind](document).validate();
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
      continue;
    }
    const type = `I${kind} from ${module}`;
    if (!types.has(type)) types.set(type, `T${types.size}`);
    source += `export const d${documents++}: ${types.get(type)} = ${JSON.stringify(document)}; // ${name}\n`;
  }
}
const imports = [...types].map(([type, alias]) => {
  const [name, module] = type.split(' from ');
  return `import type {${name} as ${alias}} from '${module}';\n`;
}).join('');
const written = join(dirname(fileURLToPath(import.meta.url)), 'node_modules', `.documents-${process.pid}.ts`);
writeFileSync(written, imports + source);
const program = ts.createProgram([written], {
  strict: true, skipLibCheck: true, noEmit: true, types: [],
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext,
});
for (const found of ts.getPreEmitDiagnostics(program)) {
  const line = found.file ? (imports + source).split('\n')[found.file.getLineAndCharacterOfPosition(found.start).line] : '';
  const name = line.slice(line.lastIndexOf('// ') + 3);
  problems.push(`${name}: ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`);
}
if (problems.length > 0) console.log(problems.join('\n'));
console.log(`${documents} documents`);
process.exit(problems.length > 0 ? 1 : 0);
