# The database is external (DATABASE_URL): the PostgreSQL that comes with `npm ci` stays outside.

FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The compiler's platform package is an optional dependency too: here, all of them.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build
RUN npm ci --ignore-scripts --no-audit --no-fund --omit=dev --omit=optional

FROM node:24-slim
ENV NODE_ENV=production \
    HEARBACK_SMTP_HOST=0.0.0.0 \
    HEARBACK_HTTP_HOST=0.0.0.0 \
    HEARBACK_ADMIN_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY package.json LICENSE ./
COPY config ./config
RUN ln -s /app/dist/main.js /usr/local/bin/hearback
USER node
EXPOSE 2525 8025 9025
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HEARBACK_ADMIN_PORT || 9025) + '/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: signals have to reach the daemon itself.
ENTRYPOINT ["node", "--enable-source-maps", "dist/main.js"]
CMD ["serve"]
