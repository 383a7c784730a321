import { ERRORS } from '../errors.ts';
import { jsonAnswer } from '../http/answer.ts';
import type { Platform } from '../services.ts';

/**
 * 200 when the CA can serve, else 503 with the reason. The only route that answers whatever is wrong; it tells codes and
 * settings, never a value. An unbootstrapped CA is healthy: it waits for its operator.
 */
export async function answerHealth({ config, objects }: Pick<Platform, 'config' | 'objects'>): Promise<Response> {
  if (!config.ok) return unhealthy('config-invalid', ERRORS['config-invalid'].title, config.faults);
  const reply = await objects.directory().status();
  if (!reply.ok) return unhealthy(reply.error.code, ERRORS[reply.error.code].title);
  const { kek, reason, bootstrapped, instanceId } = reply.value;
  if (kek !== 'ok') return unhealthy(kek, reason ?? ERRORS[kek].title);
  return jsonAnswer(200, { status: 'ok', code: null, reason: null, bootstrapped, instanceId, faults: [] });
}

function unhealthy(code: string, reason: string, faults: string[] = []): Response {
  return jsonAnswer(503, { status: 'unavailable', code, reason, bootstrapped: false, instanceId: null, faults });
}
