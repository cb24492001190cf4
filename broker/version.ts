/** The version of this software: of the broker in metrics and session info. Kept equal to package.json by a test. */
export const VERSION = '0.1.0'
