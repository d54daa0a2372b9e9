# Node: installed and locked by every manager.
web='{"name":"@acme/web","version":"2.3.1","private":true,"dependencies":{"express":"4.17.1","lo3":"npm:lodash@3.10.1","minimist":"0.0.8","axios":"0.21.0","debug":"4.3.4","ws":"7.4.5"},"devDependencies":{"mocha":"9.0.0"},"optionalDependencies":{"fsevents":"2.3.2"}}'
start() { mkdir -p "$root/app" && echo "$web" > "$root/app/package.json" && cd "$root/app" || failed=1; }
if item node-npm 'npm query'; then start; npm install -s --ignore-scripts; ask npm .; cd /; finish; fi
if item node-npm-prod 'npm query'; then start; npm install -s --ignore-scripts --omit=dev --omit=optional; rm package-lock.json; ask npm .; cd /; finish; fi
if item node-npm-legacy 'npm query'; then start; npm install -s --ignore-scripts --omit=dev --legacy-bundling --install-strategy=nested; ask npm .; cd /; finish; fi
if item node-npm-linked 'npm query'; then start; npm install -s --ignore-scripts --omit=dev --install-strategy=linked; find . -name package-lock.json -delete; ask npm .; cd /; finish; fi
if item node-yarn1 'npm query'; then start; node "$node/yarn/bin/yarn.js" install -s --ignore-scripts --non-interactive --ignore-optional; ask npm .; cd /; finish; fi
if item node-pnpm 'pnpm ls'; then start; node "$node/pnpm/bin/pnpm.cjs" install --silent --ignore-scripts --no-optional; ask pnpm "$node/pnpm/bin/pnpm.cjs" .; ask lines '?npm @acme/web 2.3.1'; cd /; finish; fi
if item node-bun 'bun pm ls --all'; then start; "$node/.bin/bun" install --silent --ignore-scripts --omit=optional; ask bun "$node/.bin/bun" .; ask lines '?npm @acme/web 2.3.1'; cd /; finish; fi
if item node-global 'npm ls -g'; then mkdir -p "$root/usr/local"; npm install -s -g --ignore-scripts --prefix "$root/usr/local" pm2@5.2.0 http-server@14.0.0 typescript@4.5.2 nodemon@2.0.15; ask npm_global "$root/usr/local"; finish; fi
if item node-npm-itself 'npm ls -g'; then mkdir -p "$root/usr/local"; npm install -s -g --prefix "$root/usr/local" npm@8.19.2 yarn@1.22.19; ask npm_global "$root/usr/local"; finish; fi
if item fs-npm-v1 'npm query --package-lock-only'; then start; npm install -s --package-lock-only --ignore-scripts --lockfile-version 1; ask npm . --package-lock-only; cd /; finish; fi
if item fs-npm-v2 'npm query --package-lock-only'; then start; npm install -s --package-lock-only --ignore-scripts --lockfile-version 2; ask npm . --package-lock-only; cd /; finish; fi
if item fs-npm-shrinkwrap 'npm query --package-lock-only'; then start; npm install -s --package-lock-only --ignore-scripts; mv package-lock.json npm-shrinkwrap.json; ask npm . --package-lock-only; cd /; finish; fi
if item fs-npm-workspaces 'npm query --package-lock-only'; then
  start; mkdir -p packages/a packages/b; echo '{"name":"@acme/a","version":"0.1.0","dependencies":{"lodash":"4.17.20","@acme/b":"0.2.0"}}' > packages/a/package.json; echo '{"name":"@acme/b","version":"0.2.0","dependencies":{"ms":"2.0.0","semver":"5.7.0"}}' > packages/b/package.json
  python3 - <<'PY'
import json; p = json.load(open('package.json')); p['workspaces'] = ['packages/*']; json.dump(p, open('package.json', 'w'))
PY
  npm install -s --package-lock-only --ignore-scripts; ask npm . --package-lock-only; ask lines '?npm @acme/a 0.1.0'; ask lines '?npm @acme/b 0.2.0'; sed -i '/^npm\t@acme/d' "$at/truth.part"; cd /; finish
fi
if item fs-yarn1 'npm query of what yarn installs'; then start; node "$node/yarn/bin/yarn.js" install -s --ignore-scripts --non-interactive --ignore-platform; ask npm .; rm -rf node_modules; cd /; finish; fi
if item fs-yarn-berry 'yarn info --all --recursive'; then start; touch yarn.lock; YARN_ENABLE_IMMUTABLE_INSTALLS=false node "$node/@yarnpkg/cli-dist/bin/yarn.js" install --mode=update-lockfile > /dev/null; ask berry "$node/@yarnpkg/cli-dist/bin/yarn.js" .; rm -rf .yarn .pnp*; ask lines '?npm @acme/web 2.3.1'; cd /; finish; fi
if item fs-pnpm 'pnpm ls of what it installs'; then start; node "$node/pnpm/bin/pnpm.cjs" install --silent --ignore-scripts --force; ask pnpm "$node/pnpm/bin/pnpm.cjs" .; rm -rf node_modules; ask lines '?npm @acme/web 2.3.1'; cd /; finish; fi
if item fs-bun 'bun pm ls --all'; then start; "$node/.bin/bun" install --silent --ignore-scripts --os='*' --cpu='*'; ask bun "$node/.bin/bun" .; rm -rf node_modules; ask lines '?npm @acme/web 2.3.1'; cd /; finish; fi
if item fs-deno 'deno info --json'; then
  mkdir -p "$root/app" && cd "$root/app"; printf 'import express from "npm:express@4.17.1";\nimport ws from "npm:ws@7.4.5";\nimport _ from "npm:lodash@4.17.20";\nconsole.log(express, ws, _);\n' > main.ts; echo '{}' > deno.json
  DENO_DIR=$work/deno "$node/.bin/deno" cache --quiet main.ts; DENO_DIR=$work/deno ask deno "$node/.bin/deno" . main.ts; cd /; finish
fi
if item node-deno-installed 'deno info --json'; then
  mkdir -p "$root/app" && cd "$root/app"; printf 'import express from "npm:express@4.17.1";\nimport chalk from "npm:chalk@4.1.0";\nconsole.log(express, chalk);\n' > main.ts; echo '{"nodeModulesDir":"auto"}' > deno.json
  DENO_DIR=$work/deno "$node/.bin/deno" cache --quiet main.ts; DENO_DIR=$work/deno ask deno "$node/.bin/deno" . main.ts; cd /; finish
fi
