export const base = __ENV.BASE_URL || 'http://app:8080';
