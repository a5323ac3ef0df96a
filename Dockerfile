# The emulator as an image: docker run -p 127.0.0.1:8000:8000 -v tapis-data:/data tapis-emulator
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY emulator emulator
COPY fixtures fixtures
COPY scenarios scenarios
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
LABEL org.opencontainers.image.title="tapis-emulator" \
      org.opencontainers.image.description="A local emulator of the Tapis v2 Jobs and Files APIs"
RUN useradd --create-home --uid 1000 emulator && mkdir /data && chown emulator:emulator /data
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -r /wheels
USER emulator
WORKDIR /home/emulator
# inside a container only its published ports can be reached, so listening everywhere is safe
# (published as they are: 8000, and 8001-8020 for the worlds and users that get ports of their own)
ENV TAPIS_EMULATOR_SERVER_HOST=0.0.0.0 \
    TAPIS_EMULATOR_SERVER_LISTENER_PORTS=8001-8020 \
    TAPIS_EMULATOR_DATA_DIR=/data
VOLUME /data
EXPOSE 8000-8020
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["tapis-emulator", "health"]
ENTRYPOINT ["tapis-emulator"]
CMD ["serve"]
