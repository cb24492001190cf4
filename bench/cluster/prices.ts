/** US dollars per request: S3 Standard, us-east-1, as taken for this project in November 2026; deletes are free, a HEAD costs a GET. */
export const PUT_OR_LIST = 0.005 / 1000
export const GET = 0.0004 / 1000

export const SECONDS_PER_MONTH = 30 * 24 * 3600
