FROM python:3.13-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY agent_ui agent_ui
COPY channels channels
COPY contactcenter contactcenter
COPY routing routing
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 desk && mkdir /data && chown desk /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER desk
VOLUME /data
EXPOSE 8000 2525
ENTRYPOINT ["contactcenter"]
CMD ["web"]
