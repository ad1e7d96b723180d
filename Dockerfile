# One image for worker, gateway, migrations and authors' commands: `docker run stageplay validate`.
FROM python:3.13.9-slim-bookworm AS built
WORKDIR /app
COPY requirements.lock ./
RUN python -m venv /venv \
 && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
COPY . .
RUN /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .

FROM python:3.13.9-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin stageplay \
 && install -d -o stageplay -g stageplay /app/var
COPY --from=built /venv /venv
COPY --from=built --chown=root:root /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STAGEPLAY_VAR_DIR=/app/var
USER stageplay
VOLUME /app/var
EXPOSE 8700
ENTRYPOINT ["stageplay"]
CMD ["--help"]
