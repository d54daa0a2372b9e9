# Python: what pip and uv install, what the managers lock.
if item py-target-web 'pip list --path'; then
  python3 -m pip install -q --no-compile --target "$root/app/lib" 'fastapi==0.95.0' 'uvicorn[standard]==0.21.1' 'jinja2==3.0.1' 'python-multipart==0.0.5' 'sqlalchemy[asyncio]==1.4.40' httpx 'python-jose[cryptography]==3.3.0' passlib alembic
  ask pip "$root/app/lib"; finish
fi
if item py-target-data 'pip list --path'; then
  python3 -m pip install -q --no-compile --target "$root/srv/data" 'pandas<2' matplotlib==3.7.0 openpyxl xlrd jinja2==2.11.3 'markupsafe<2.1' tornado==6.1
  ask pip "$root/srv/data"; finish
fi
if item py-venv-old 'pip list of the virtual environment'; then
  python3 -m venv --copies "$root/opt/app" && "$root/opt/app/bin/pip" install -q 'django==3.2.0' 'urllib3==1.26.4' 'requests==2.25.1' 'pyyaml==6.0' gunicorn==20.1.0 'zope.component' 'backports.tarfile' 'jaraco.text' 'ruamel.yaml.clib' PyNaCl typing_extensions
  ask venv "$root/opt/app"; ask program python "$root/opt/app/bin/python3.11" --version; finish
fi
if item py-uv-venv 'pip list --path'; then
  "$py/uv" venv -q --python "$(command -v python3)" "$root/app/.venv" && "$py/uv" pip install -q --python "$root/app/.venv/bin/python" 'flask==2.2.2' 'celery[redis]==5.2.7' 'boto3==1.26.0' sentry-sdk 'aiohttp==3.9.5'
  ask pip "$root"/app/.venv/lib/python3*/site-packages; finish
fi
if item py-sdist 'pip list --path'; then
  python3 -m pip install -q --no-compile --no-binary docopt,future,pyperclip,termcolor --target "$root/usr/local/lib/python3.11/site-packages" docopt future pyperclip termcolor==1.1.0 'oslo.config' 'repoze.lru' 'Flask-SQLAlchemy' 'MarkupSafe==2.0.1'
  ask pip "$root/usr/local/lib/python3.11/site-packages"; finish
fi
if item py-debian-dist 'dpkg-query; pip list --path'; then
  bare python3-yaml python3-requests python3-urllib3 python3-idna python3-chardet python3-certifi python3-jinja2 python3-markupsafe python3-six
  mkdir -p "$root/usr/lib" && cp -a "$work/bare/usr/lib/python3" "$root/usr/lib/"; rm -rf "$work/bare"
  ask pip "$root/usr/lib/python3/dist-packages"; finish
fi
# Locks: the truth is what the manager installs from the lock that it wrote.
project='[project]
name = "acme-web"
version = "1.4.0"
requires-python = ">=3.11"
dependencies = ["flask==2.2.2", "requests[socks]==2.28.1", "sqlalchemy>=1.4,<2", "python-dateutil"]
[dependency-groups]
dev = ["pytest==7.2.0"]'
locked() { python3 -m venv "$work/lock" && "$work/lock/bin/pip" install -q --no-deps "$@" && "$work/lock/bin/pip" uninstall -q -y pip setuptools; ask pip "$work"/lock/lib/python3*/site-packages; rm -rf "$work/lock"; }
if item fs-uv 'uv export'; then
  echo "$project" > "$root/pyproject.toml"; (cd "$root" && "$py/uv" lock -q --python "$(command -v python3)" && "$py/uv" export -q --no-hashes --no-emit-project > "$work/uv.txt")
  ask exported "$work/uv.txt"; ask lines '?pypi acme-web 1.4.0'; finish
fi
if item fs-pylock 'uv export'; then
  echo "$project" > "$work/pyproject.toml"; (cd "$work" && "$py/uv" lock -q --python "$(command -v python3)" && "$py/uv" export -q --no-emit-project --format pylock.toml > "$root/pylock.toml" && "$py/uv" export -q --no-hashes --no-emit-project > uv.txt)
  ask exported "$work/uv.txt"; rm "$work/uv.lock"; finish
fi
if item fs-requirements 'pip list of what pip installs from it'; then
  printf 'flask==2.2.2\nrequests[socks]==2.28.1 ; python_version > "3"\nSQLAlchemy<2\nzope.interface\n' > "$work/requirements.in"
  (cd "$work" && "$py/pip-compile" -q --generate-hashes --allow-unsafe --strip-extras -o "$root/requirements.txt" requirements.in) && locked -r "$root/requirements.txt"; finish
fi
if item fs-pipenv 'pip list of what pipenv installs'; then
  printf '[[source]]\nurl = "https://pypi.org/simple"\nverify_ssl = true\nname = "pypi"\n[packages]\nflask = "==2.2.2"\nrequests = {version = "==2.28.1", extras = ["socks"]}\n[dev-packages]\nmypy = "==1.0.0"\n' > "$root/Pipfile"
  (cd "$root" && PIPENV_VERBOSITY=-1 "$py/pipenv" --python "$(command -v python3)" lock --dev -q > /dev/null 2>&1; PIPENV_VERBOSITY=-1 "$py/pipenv" requirements --dev > "$work/pipenv.txt" && PIPENV_VERBOSITY=-1 "$py/pipenv" --rm > /dev/null 2>&1) && locked -r "$work/pipenv.txt"; finish
fi
