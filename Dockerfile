# Narada in one container: web, worker and beat, with its data in the volume /data.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
WORKDIR /source
RUN python -m venv --without-pip /opt/narada
# In a layer of its own, which a change of the program leaves as it is.
COPY requirements.txt ./
RUN pip --python /opt/narada/bin/python install --no-cache-dir --only-binary :all: --requirement requirements.txt
COPY . .
RUN pip --python /opt/narada/bin/python install --no-cache-dir --no-deps .

FROM python:${PYTHON}-slim
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip \
    && groupadd --system --gid 10001 narada \
    && useradd --system --uid 10001 --gid narada --home-dir /data --no-create-home --shell /usr/sbin/nologin narada \
    && install --directory --owner narada --group narada --mode 0700 /data
COPY --from=build /opt/narada /opt/narada
ENV PATH=/opt/narada/bin:/usr/local/bin:/usr/bin:/bin \
    NARADA_VAR=/data \
    WEB_BIND=0.0.0.0:8000 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER narada
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s CMD ["python", "-m", "narada_site.probe"]
CMD ["narada", "run"]
